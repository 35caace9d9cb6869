"""Machines that are none: network namespaces on one bridge, each with an address, a cable that can be pulled, and processes."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack, contextmanager, suppress

BRIDGE, NETWORK = "psight-br", "10.87.6"


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)


def why_not() -> str:
    """Why there can be no namespaces here; "" if there can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "network namespaces need root"
    try:
        run("ip", "netns", "add", "psight-try")
        run("ip", "netns", "del", "psight-try")
        run("ip", "link", "add", "psight-try", "type", "bridge")
        run("ip", "link", "del", "psight-try")
    except (OSError, subprocess.CalledProcessError) as error:
        return f"network namespaces cannot be made: {getattr(error, 'stderr', '') or error}".strip()
    return ""


class Machine:
    """One namespace. address: of it on the bridge; ours is NETWORK.254."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.address = f"psight-{name}", f"{NETWORK}.{number}"
        self._cable = f"ps-{name}"[:15]
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "link", "set", self._cable, "master", BRIDGE, "up")
        self.ip("addr", "add", f"{self.address}/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments: object) -> None:
        run("ip", "-n", self.name, *arguments)

    def command(self, *command: object) -> list[str]:
        """A command as it is run there."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def cut_off(self) -> None:
        """Nothing reaches it, and nothing says so: packets are lost, as where a cable is pulled."""
        run("ip", "link", "set", self._cable, "nomaster")

    def heal(self) -> None:
        run("ip", "link", "set", self._cable, "master", BRIDGE)

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):
            run("ip", "netns", "del", self.name)
        with suppress(subprocess.CalledProcessError):  # gone with the namespace, mostly
            run("ip", "link", "del", self._cable)


@contextmanager
def machines(*names: str):
    """So many machines and a bridge, which all go at the end."""
    with ExitStack() as stack:
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        stack.callback(run, "ip", "link", "del", BRIDGE)
        run("ip", "addr", "add", f"{NETWORK}.254/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        made = []
        for number, name in enumerate(names, start=1):
            machine = Machine(name, number)
            stack.callback(machine.remove)
            made.append(machine)
        yield made
