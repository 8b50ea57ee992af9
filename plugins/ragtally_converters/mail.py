"""E-mails: messages as mail is sent, by the standard library; Outlook's own files by python-oxmsg."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from ragtally import Conversion, ConversionError
from ragtally.support.text_files import read_bytes
from ragtally_converters.builder import DocumentBuilder, damage, missing_package
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
            people = [name for name, _ in getaddresses(_addresses(message)) if name]
            return builder.conversion(path, {ATTACHMENTS: sum(1 for _ in message.iter_attachments())}, people)
        except (LookupError, ValueError, AttributeError, TypeError) as error:
            raise damage(path, error) from error


class Msg:
    """Reads a message that Outlook saved."""

    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions

    def convert(self, path: Path) -> Conversion:
        """Read the message (see `ragtally.api.Converter`)."""
        try:
            import oxmsg
        except ImportError as error:
            raise missing_package(path, "python-oxmsg") from error
        data = read_bytes(path)
        try:
            return _outlook_conversion(path, oxmsg.Message.load(data))
        except ConversionError:
            raise
        except Exception as error:  # olefile's, struct's, KeyError for a part that is missing
            raise damage(path, error) from error


def _outlook_conversion(path: Path, message: Any) -> Conversion:
    recipients = [(one.name, one.email_address) for one in message.recipients]
    headers = {
        "Subject": message.subject,
        "From": message.sender or "",
        "To": ", ".join(f"{name} <{address}>" if address else name for name, address in recipients),
        "Date": message.sent_date.isoformat(" ", "minutes") if message.sent_date else "",
    }
    builder = DocumentBuilder()
    with builder.part("message", message.subject or "1"):
        for name, value in headers.items():
            if value:
                builder.add(f"{name}: {value}")
        text = (message.body or "").replace("\r\n", "\n")
        builder.add(text if text.strip() else html_text(message.html_body or ""), gap="\n\n")
    names = [name for name, _ in [*getaddresses([headers["From"]]), *recipients] if name]
    return builder.conversion(path, {ATTACHMENTS: len(message.attachments)}, names)


def _addresses(message: EmailMessage) -> list[str]:
    return [str(value) for name in ("From", "To", "Cc", "Reply-To") for value in message.get_all(name, [])]


def _body(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    content = str(body.get_content())
    return html_text(content) if body.get_content_subtype() == "html" else content.replace("\r\n", "\n")
