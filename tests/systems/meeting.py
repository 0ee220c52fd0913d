"""What stand-ins of services have in common: whatever is asked of them goes one way, and nothing to stderr."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler


class Meeting(BaseHTTPRequestHandler):
    """Meets every request by `meet`, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.meet()

    def do_DELETE(self) -> None:
        self.meet()

    def meet(self) -> None:
        """Answer, or fail as told."""
        raise NotImplementedError

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""
