"""Where messages may go: public addresses, unless a setting allows others. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

NAT64: Final = IPv6Network("64:ff9b::/96")
"""Where a network knows IPv6 alone, names without an IPv6 address get one of these; IPv4 is its end."""
TUNNELS: Final = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))
"""6to4, Teredo and local NAT64: they may lead to any IPv4 address, and nobody is reached by them alone."""
SERVANTS: Final = (
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
)
"""Not private by all that Python says, and yet clouds' own metadata services (Azure, Oracle), or no hosts."""
PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that a webhook goes to, taken apart."""

    scheme: str
    host: str
    port: int
    path: str
    """With what is asked after it."""

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody may reach: nothing private, local, reserved or shared.

    An IPv4 address in the clothes of IPv6 is judged by what it is. Raises ``ValueError`` for what is none.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or (IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in NAT64 else None)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local or any(ip in network for network in TUNNELS):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or _serves(ip))


def _serves(ip: IPv4Address | IPv6Address) -> bool:
    return isinstance(ip, IPv4Address) and any(ip in network for network in SERVANTS)


def destination(url: str, *, allow_private: bool) -> Destination:
    """Take a webhook's address apart. Raises ``ValueError``, in words for the person who wrote it.

    Without ``allow_private`` it must be HTTPS, and no private IP address; names are looked up, and what they
    lead to judged, when something is sent.
    """
    if any(character <= " " or character == "\x7f" for character in url) or "\\" in url:
        raise ValueError("An address has no blanks, backslashes or control characters.")
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("A webhook's address begins with https:// and a host.")
    if parts.scheme == "http" and not allow_private:
        raise ValueError("Messages travel over https:// alone.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("An address has no user, password or fragment: the signature says who sends.")
    port = parts.port if parts.port is not None else PORTS[parts.scheme]
    if not port:
        raise ValueError("There is no port 0.")
    host = _ascii(parts.hostname)
    if not allow_private and _is_ip(host) and not is_public(host):
        raise ValueError(f"{host} is no public address.")
    path = _ascii_path(parts.path or "/")
    return Destination(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"{host} is no name of a host.") from None


def _ascii_path(path: str) -> str:
    if not path.isascii():
        raise ValueError("Characters beyond ASCII stand in an address as %XX.")
    return path


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
