"""E-mail reaches a real server, and one that is dead is told of."""

from __future__ import annotations

import socketserver
import threading

import pytest

from rubricator.config import Email, Monitor
from rubricator.errors import ServiceError
from rubricator.monitor.channels import send_email, send_webhook


class Mail(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 here\r\n")
        reading = False
        for line in self.rfile:
            if reading:
                self.server.lines.append(line.decode().rstrip())
                if line == b".\r\n":
                    reading = False
                    self.wfile.write(b"250 ok\r\n")
            elif line.upper().startswith(b"DATA"):
                reading = True
                self.wfile.write(b"354 go on\r\n")
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


def mail_to(port):
    return Email(server="127.0.0.1", port=port, security="none", sender="a@b.example", to=("c@d.example",))


def test_an_alert_arrives_by_e_mail():
    with socketserver.TCPServer(("127.0.0.1", 0), Mail) as server:
        server.lines = []
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        send_email(mail_to(server.server_address[1]), "Something changed\nMore of it")
        thread.join()
    assert "Subject: Something changed" in server.lines
    assert "More of it" in server.lines


def test_a_dead_mail_server_and_a_wrong_address_are_told_of(monkeypatch):
    monkeypatch.setattr("rubricator.monitor.channels._PAUSE", 0.01)
    with pytest.raises(ServiceError, match="mail server"):
        send_email(mail_to(1), "x")
    with pytest.raises(ServiceError, match="webhook"):
        send_webhook("http://[", {})


@pytest.mark.parametrize(
    "settings", [{"quiet_hours": "25:00-26:00"}, {"timezone": "Nowhere/At_all"}, {"webhook": "ftp://x"}]
)
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(ValueError, match=r"hour|time zone|http"):
        Monitor(**settings)
