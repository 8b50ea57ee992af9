"""E-mails, by the standard library."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

from ragtally import Conversion, ConversionError
from ragtally.support.text_files import read_bytes
from ragtally_converters.builder import DocumentBuilder, damage
from ragtally_converters.markup import html_text

ATTACHMENTS = "attachments of messages"
_HEADERS = ("Subject", "From", "To", "Cc", "Date")


class Email:
    """Reads one message: its plain text, or what its HTML shows."""

    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions

    def convert(self, path: Path) -> Conversion:
        """Read the message (see `ragtally.api.Converter`)."""
        message = email.message_from_bytes(read_bytes(path), policy=email.policy.default)
        if not message.keys():
            hint = "get the file again, or name it .txt"
            raise ConversionError("damaged", path, "this is no e-mail: it has no header", hint=hint)
        builder = DocumentBuilder()
        try:
            with builder.part("message", str(message.get("Subject", "")) or "1"):
                for name in _HEADERS:
                    if message.get(name):
                        builder.add(f"{name}: {message[name]}")
                builder.add(_body(message), gap="\n\n")
            return builder.conversion(path, {ATTACHMENTS: sum(1 for _ in message.iter_attachments())})
        except (LookupError, ValueError, AttributeError, TypeError) as error:
            raise damage(path, error) from error


def _body(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    content = str(body.get_content())
    return html_text(content) if body.get_content_subtype() == "html" else content.replace("\r\n", "\n")
