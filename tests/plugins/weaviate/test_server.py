"""Which server the environment names."""

import pytest

from ragtally.api import RagtallyError
from ragtally_weaviate.server import server_of


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"WEAVIATE_URL": "http://localhost:8080"}, ("http://localhost:8080", "localhost:50051", False)),
        ({"WEAVIATE_URL": "http://here/"}, ("http://here:80", "here:50051", False)),
        ({"WEAVIATE_URL": "http://[::1]:8080"}, ("http://[::1]:8080", "[::1]:50051", False)),
        ({"WEAVIATE_URL": "https://here"}, ("https://here:443", "here:443", True)),
        (
            {"WEAVIATE_URL": "https://a.b.weaviate.cloud"},
            ("https://a.b.weaviate.cloud:443", "grpc-a.b.weaviate.cloud:443", True),
        ),
        (
            {"WEAVIATE_URL": "https://a.weaviate.network"},
            ("https://a.weaviate.network:443", "a.grpc.weaviate.network:443", True),
        ),
        (
            {"WEAVIATE_URL": "http://here:1", "WEAVIATE_GRPC_HOST": "there", "WEAVIATE_GRPC_PORT": "2"},
            ("http://here:1", "there:2", False),
        ),
    ],
)
def test_addresses(given: dict[str, str], wanted: tuple[str, str, bool]) -> None:
    server = server_of(given)
    assert (server.url, server.grpc, server.secure) == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "WEAVIATE_URL is not set"),
        ({"WEAVIATE_URL": " "}, "WEAVIATE_URL is not set"),
        ({"WEAVIATE_URL": "localhost:8080"}, "must be http:// or https://"),
        ({"WEAVIATE_URL": "http://here:port"}, "is no address"),
        ({"WEAVIATE_URL": "http://here/v1"}, "must be http:// or https://"),
        ({"WEAVIATE_URL": "http://me:secret-word@here"}, "holds a name or a password"),
        ({"WEAVIATE_URL": "http://here", "WEAVIATE_GRPC_PORT": "many"}, "WEAVIATE_GRPC_PORT must be a port"),
    ],
)
def test_what_is_no_address(given: dict[str, str], said: str) -> None:
    with pytest.raises(RagtallyError, match=said) as caught:
        server_of(given)
    assert caught.value.hint and "secret-word" not in f"{caught.value.message}{caught.value.hint}"


def test_the_key_is_not_shown() -> None:
    server = server_of({"WEAVIATE_URL": "http://here", "WEAVIATE_API_KEY": "made-up-key"})
    assert server.key == "made-up-key" and "made-up-key" not in repr(server)
