"""One POST of JSON to whoever is called back. It follows and repeats nothing."""

import urllib3

TIMEOUT_S = 35


def post(
    url: str, body: bytes, headers: dict[str, str], source_address: str | None = None
) -> int | None:
    """The HTTP status of the answer; None when nobody answered."""
    kind = {"Content-Type": "application/json; charset=utf-8"}
    source = (source_address, 0) if source_address else None
    with urllib3.PoolManager(retries=False, source_address=source) as pool:
        try:
            answer = pool.request(
                "POST", url, body=body, headers=kind | headers, timeout=TIMEOUT_S
            )
        except urllib3.exceptions.HTTPError:
            return None
    return answer.status
