"""One index on several servers: each has the documents of its part, and a coordinator asks them all.

part         a view of an index that answers for one part of it
desk         what a shard is asked, by name: numbers of its pages, its best pages, what to show of them
wire         questions and hits as JSON, every bit of them
shard        one shard with its replicas: time limits, a second one asked when the first is slow, who is down
cluster      all shards: asked at once, held to be parts of one whole
asking       from a question to pages, as one index with everything finds them
vocabulary   the words of all shards, for slips of the pen
coordinator  a Searcher over all this

A question takes four rounds, as "query then fetch" with global statistics does in other engines:

    numbers   how many pages have which of its words, in all shards together
    words     BM25 by these numbers; which pages of each shard are among the best of all
    search    each shard's k best pages, of as many candidates as one index would have; merged by score, content and page
    describe  regions and snippets, of the pages that are shown only

What is added to MaxSim depends on all pages only through the first two. So scores are those of one index, bit for bit, and
only candidates can differ: more shards look at more of them.
"""
