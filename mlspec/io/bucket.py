"""The door to buckets of a cloud (S3, Google, Azure): small whole objects by key; who names them is others' business.

Credentials are those of the environment or of the machine, found by obstore, and are neither kept nor told. Every call
takes bounded time, is tried again where that may help, and tells in words what went wrong:
`store/denied`, `store/read-only`, `store/no-credentials`, `store/no-bucket`, `store/region`, `store/clock`,
`store/unreachable`, `store/unsupported`, `store/failed`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mlspec.core.ports import Lying
from mlspec.core.problem import MlspecError, fail

try:
    import obstore
    from obstore import exceptions, store
except ImportError as error:
    raise fail(
        "store/no-extra", "a store in a cloud needs `obstore`", help="run: pip install 'mlspec[cloud]'"
    ) from error

_SMALL = 1 << 20
_STORES: Mapping[str, Any] = {"s3": store.S3Store, "gs": store.GCSStore, "az": store.AzureStore}
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([\w.]{1,80})</Code>")
_SAID = re.compile(r"<Message>([^<]{1,200})")
_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where the machine has a role",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run where the machine has a service account",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or run where the machine has an identity",
}
_RIGHTS = {
    "s3": "they need s3:GetObject, s3:PutObject and s3:ListBucket; mlspec gc needs s3:DeleteObject",
    "gs": "they need the role Storage Object User",
    "az": "they need the role Storage Blob Data Contributor",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds.

    To connect, for the next sign of life, for a body sent to be taken, for one answer in all; and, beyond the longest
    such silence, until nothing is tried again.
    """

    connect_s: float = 10
    answer_s: float = 20
    send_s: float = 120
    whole_s: float = 600
    retry_s: float = 60


class Bucket:
    """A bucket, below a prefix. Safe to share by threads."""

    def __init__(self, url: str, patience: Patience = Patience()) -> None:
        """Take `s3://`, `gs://` or `az://BUCKET/PREFIX`; nothing is connected to yet."""
        self.url = url.rstrip("/")
        self._scheme, _, rest = self.url.partition("://")
        self._name, _, self._prefix = rest.partition("/")
        self._patience = patience
        self._asks, self._sends = self._opened(patience.answer_s), self._opened(patience.send_s)

    def get(self, key: str, most: int) -> bytes | None:
        """Return an object, or None.

        Raises:
            MlspecError: as the module says; or `store/damaged`: it is larger than `most` bytes.
        """
        with self._in_words("read"):
            try:
                found = obstore.get(self._asks, key)
                if found.meta["size"] > most:
                    raise fail("store/damaged", f"{self.url}/{key} is larger than anything mlspec writes there")
                return bytes(found.bytes())
            except FileNotFoundError as error:
                self._refuse_absent(error)
                return None

    def look(self, key: str) -> Lying | None:
        """Return what lies at a key, unread; or None. In a bucket that is not there lies nothing.

        Raises:
            MlspecError: as the module says.
        """
        with self._in_words("read"):
            try:
                return _lying(obstore.head(self._asks, key))
            except FileNotFoundError as error:
                self._refuse_absent(error)
                return None

    def listing(self, folder: str) -> Iterator[Lying]:
        """List what lies below a folder, by key.

        Raises:
            MlspecError: as the module says.
        """
        with self._in_words("read"):
            for batch in obstore.list(self._asks, folder):
                yield from map(_lying, batch)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is not there is none the worse.

        Raises:
            MlspecError: as the module says; some may be gone.
        """
        with self._in_words("write"), suppress(FileNotFoundError):
            obstore.delete(self._asks, list(keys))

    def put(self, key: str, content: bytes) -> None:
        """Write an object whole, over one that is there.

        Raises:
            MlspecError: as the module says; the object is as it was, or whole.
        """
        with self._in_words("write"):
            sends = self._asks if len(content) <= _SMALL else self._sends
            obstore.put(sends, key, content, use_multipart=False)

    def create(self, key: str, content: bytes) -> bool:
        """Write an object whole unless there is one; say whether it was written. A store may ignore the condition.

        Raises:
            MlspecError: as the module says; the object may be there.
        """
        with self._in_words("write"):
            try:
                obstore.put(self._asks, key, content, mode="create")
            except exceptions.AlreadyExistsError:
                return False
            return True

    def _opened(self, silence_s: float) -> Any:
        wait = self._patience
        client: dict[str, Any] = {
            "connect_timeout": timedelta(seconds=wait.connect_s),
            "read_timeout": timedelta(seconds=silence_s),
            "timeout": timedelta(seconds=wait.whole_s),
            "allow_http": any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS),
        }
        backoff = {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2}
        retry = {"max_retries": 8, "retry_timeout": timedelta(seconds=wait.retry_s + silence_s), "backoff": backoff}
        try:
            return _STORES[self._scheme](
                self._name, prefix=self._prefix or None, client_options=client, retry_config=retry
            )
        except (exceptions.BaseError, ValueError) as error:
            raise self._told(error, "read") from error

    @contextmanager
    def _in_words(self, deed: str) -> Iterator[None]:
        try:
            yield
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise self._told(error, deed) from error

    def _refuse_absent(self, error: FileNotFoundError) -> None:
        """Tell a bucket that is not there from an object that is not."""
        if _NO_BUCKET.search(str(error)):
            raise error

    def _told(self, error: Exception, deed: str) -> MlspecError:
        """Tell an error in words. The whole text of obstore may hold addresses with tokens: it is never shown."""
        text = str(error)
        status = _first(_STATUS, text)
        code, said = _first(_CODE, text), _first(_SAID, text)
        answer = ": ".join(part for part in (code, said) if part) or (f"status {status}" if status else "")
        words = f" ({answer})" if answer else ""
        if _NOBODY.search(text):
            return fail("store/no-credentials", f"no credentials for {self.url}", help=_CREDENTIALS[self._scheme])
        if _NO_BUCKET.search(text):
            message = f"there is no bucket `{self._name}` ({self.url})"
            return fail("store/no-bucket", message, help="make it, or mend `store:` in mlspec.yaml")
        if _REGION.search(text) or status in ("301", "307"):
            message = f"the bucket of {self.url} is in another region than this machine asks{words}"
            return fail("store/region", message, help="set AWS_REGION to the region of the bucket")
        if code == "RequestTimeTooSkewed":
            return fail(
                "store/clock", f"{self.url} refuses a clock that is off{words}", help="set this machine's clock"
            )
        if code in _UNKNOWN or status == "401":
            hint = _CREDENTIALS[self._scheme]
            return fail("store/denied", f"{self.url} does not accept the credentials{words}", help=hint)
        if status == "403" or isinstance(error, exceptions.PermissionDeniedError):
            return self._denied(deed, words)
        if status in ("405", "501") or isinstance(error, exceptions.NotSupportedError):
            return fail("store/unsupported", f"{self.url} does not know how to {deed} so{words}")
        if not status or status == "429" or status.startswith("5"):
            return self._unreachable(text, words)
        return fail("store/failed", f"{self.url} refuses{words}")

    def _denied(self, deed: str, words: str) -> MlspecError:
        hint = f"give the credentials of this machine the right to {deed}: {_RIGHTS[self._scheme]}"
        if deed == "write":
            return fail("store/read-only", f"{self.url} may be read here and not written to{words}", help=hint)
        return fail("store/denied", f"{self.url} may not be read with these credentials{words}", help=hint)

    def _unreachable(self, text: str, words: str) -> MlspecError:
        silent = "kind: Timeout" in text
        why = words or (" (no answer in time)" if silent else " (the connection failed or broke)")
        tried = _first(re.compile(r"after (\d+) retries"), text)
        again = f", {int(tried) + 1} times" if tried and tried != "0" else ""
        hint = "see whether this machine reaches it (network, proxy, endpoint) and run again: what was sent stays"
        return fail("store/unreachable", f"{self.url} cannot be reached{again}{why}", help=hint)


_NOBODY = re.compile(
    r"169\.254\.169\.254|latest/api/token|latest/meta-data|metadata\.google|token request"
    r"|MissingAccount|MissingCredential|credential_provider"
)
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified bucket does not exist", re.IGNORECASE)
_REGION = re.compile(
    r"PermanentRedirect|configured region|AuthorizationHeaderMalformed|IllegalLocationConstraint|TemporaryRedirect"
)
_UNKNOWN = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"),
    *("AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"),
}


def _lying(meta: Any) -> Lying:
    return Lying(meta["path"], meta["size"], meta["last_modified"].timestamp())


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
