"""The tools, as the SDK serves them over stdio and HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations

from pagesight.engine import __version__
from pagesight.engine.mcp import desk
from pagesight.engine.mcp.answers import (
    DocumentPage,
    Fetched,
    IndexStatus,
    PagePicture,
    RemovedDocuments,
    SearchResults,
    Started,
)
from pagesight.storage.errors import SearchEngineError

if TYPE_CHECKING:
    from PIL import Image as Pictures

    from pagesight.engine.mcp.handles import Handle
    from pagesight.engine.results import SearchHit
    from pagesight.engine.searcher import Searcher

INSTRUCTIONS = """\
Search in a collection of documents (PDFs, scans, pictures) by what is on their pages. A hit is a page.
Use search first; ask in whole questions, in any language. fetch gives the text of a page; get_page_image shows it, with what
matches a question marked: look at it where layout, tables, charts or handwriting matter. Cite document and page."""
FILTERS = (
    "Optional filters, such as 'folder = finance and date >= 2024', 'document ~ \"2024/*.pdf\"', 'tag.customer in (acme, zenith)', "
    "'kind = pdf and page <= 3'. Fields: document, folder, page, pages, title, author, date, kind, source, picture, sha256, tag.NAME."
)
READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
Result = TypeVar("Result")


class Writing(Protocol):
    """The right to change the index. Both raise SearchEngineError."""

    def start(self, paths: list[str]) -> str:
        """Begin to index files and folders; says what was begun."""

    def remove(self, names: list[str]) -> list[str]:
        """Take documents out of the index; returns their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backstage:
    """What the tools stand on.

    searcher: the index as it is now. run: calls a blocking function in a thread. draw: the page of a hit with its regions
    marked; None draws it by the searcher. indexing: what is being indexed, "" for nothing. base: address, as the client
    knows it, of a page that shows results, from the headers of its request.
    """

    searcher: Callable[[], Searcher]
    run: Callable[[Callable[[], Any]], Awaitable[Any]]
    draw: Callable[[SearchHit, int], Awaitable[Pictures.Image]] | None = None
    indexing: Callable[[], str] = lambda: ""
    base: Callable[[Any], str] = lambda _: ""
    writing: Writing | None = None


def make_server(backstage: Backstage) -> MCPServer:
    """Five tools that read, two that write if the backstage has ``writing``, and pages as resources.

    No schema has an optional or a union in it: some clients refuse those; "" and 0 mean "not given".
    """
    server: MCPServer = MCPServer(
        "pagesight",
        title="pagesight",
        version=__version__,
        instructions=INSTRUCTIONS,
        log_level="WARNING",
        warn_on_duplicate_tools=True,
    )
    _add_reading(server, backstage)
    _add_pictures(server, backstage)
    if backstage.writing is not None:
        _add_writing(server, backstage, backstage.writing)
    return server


def _add_reading(server: MCPServer, backstage: Backstage) -> None:
    async def ask(function: Callable[..., Result], *arguments: Any) -> Result:
        found: Result = await backstage.run(lambda: function(backstage.searcher(), *arguments))
        return found

    @_tool(server, "search", "Search documents", READS)
    async def search(query: str, ctx: Context, k: int = 5, filters: str = "") -> SearchResults:
        return await ask(desk.search, query, k, filters, backstage.base(ctx.request_context.request))

    @_tool(server, "fetch", "Read a page or document", READS)
    async def fetch(id: str, ctx: Context) -> Fetched:  # noqa: A002 - the name that clients of ChatGPT's contract send
        return await ask(desk.fetch, id, backstage.base(ctx.request_context.request))

    @_tool(server, "list_documents", "List documents", READS)
    async def list_documents(filters: str = "", limit: int = 50, offset: int = 0) -> DocumentPage:
        return await ask(desk.list_documents, filters, limit, offset)

    @_tool(server, "index_status", "State of the index", READS)
    async def index_status() -> IndexStatus:
        return await ask(desk.index_status, backstage.indexing())


def _add_pictures(server: MCPServer, backstage: Backstage) -> None:
    async def draw(document: str, page: int, query: str, max_side: int) -> tuple[bytes, PagePicture]:
        def look_up() -> tuple[SearchHit, Handle]:
            return desk.look_up(backstage.searcher(), document, page, query.strip() or None)

        hit, handle = await backstage.run(look_up)
        if backstage.draw is not None:
            picture = await backstage.draw(hit, desk.side_px(max_side))
        else:
            picture = await backstage.run(lambda: next(iter(backstage.searcher().pictures([hit]))))
        drawn: tuple[bytes, PagePicture] = await backstage.run(
            lambda: desk.page_picture(hit, handle, picture, max_side)
        )
        return drawn

    @_tool(server, "get_page_image", "Look at a page", READS)
    async def get_page_image(
        document: str, page: int, query: str = "", max_side: int = desk.SIDE_PX
    ) -> Annotated[CallToolResult, PagePicture]:
        data, described = await draw(document, page, query, max_side)
        said = f"{described.document}, page {described.page} of {described.n_pages}"
        marks = f"; {len(described.regions)} regions that match are marked, the best first in regions" if query else ""
        return CallToolResult(
            content=[TextContent(type="text", text=said + marks), Image(data=data, format="jpeg").to_image_content()],
            structured_content=described.model_dump(),
        )

    @server.resource(
        "pagesight://pages/{+document}/{page}", name="page", title="A page as a picture", mime_type="image/jpeg"
    )
    async def page_resource(document: str, page: str) -> bytes:
        if not (page.isascii() and page.isdigit() and len(page) < 10):
            raise ResourceError(f"{page[:20]!r} is not the number of a page")
        try:
            data, _ = await draw(document, int(page), "", desk.SIDE_PX)
        except SearchEngineError as error:
            raise ResourceError(str(error)) from error
        return data


def _add_writing(server: MCPServer, backstage: Backstage, writing: Writing) -> None:
    @_tool(
        server, "index_paths", "Index files and folders", ToolAnnotations(read_only_hint=False, destructive_hint=False)
    )
    async def index_paths(paths: list[str]) -> Started:
        return Started(indexing=await backstage.run(lambda: writing.start(paths)))

    @_tool(
        server, "remove_documents", "Take documents out", ToolAnnotations(read_only_hint=False, destructive_hint=True)
    )
    async def remove_documents(names: list[str]) -> RemovedDocuments:
        return RemovedDocuments(removed=await backstage.run(lambda: writing.remove(names)))


DESCRIPTIONS = {
    "search": f"Find the pages that answer a question, the best first. k: pages returned, at most {desk.MAX_K}. {FILTERS}",
    "fetch": "The text of a page, by an id of search (document:page), or of a whole document, by its name or an id of list_documents. "
    f"At most {desk.MAX_TEXT_CHARS:,} characters.",
    "get_page_image": "The picture of a page. document: its name, or an id without :page, which tells files of one name apart. With a query, the regions of the page that match it are marked. "
    "max_side: pixels of the longer side.",
    "list_documents": f"The documents, in order of their names, at most {desk.MAX_LISTED} at once from offset on. {FILTERS}",
    "index_status": "How much is in the index, what could not be read and why, and what is being indexed now.",
    "index_paths": "Begin to index files and folders of the machine where the index is; index_status says how far it is. "
    "What has not changed is passed over.",
    "remove_documents": "Take documents out of the index, by their names or globs. The files stay where they are, unless they were uploaded to a server.",
}


def _tool(
    server: MCPServer, name: str, title: str, annotations: ToolAnnotations
) -> Callable[[Callable[..., Awaitable[Any]]], None]:
    """Register; our errors are shown to the agent, which can act on them, and bugs are not."""

    def add(function: Callable[..., Awaitable[Any]]) -> None:
        @wraps(function)
        async def told(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except SearchEngineError as error:
                raise ToolError(str(error)) from error

        server.add_tool(
            told,
            name=name,
            title=title,
            description=DESCRIPTIONS[name],
            annotations=annotations,
            structured_output=True,
        )

    return add
