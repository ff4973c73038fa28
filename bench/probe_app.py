"""The product's own application with two routes more, to see what a route costs before its work.

`/claims` is guarded and answers from the token alone; `/empty` is guarded by nothing.
"""

from uuid import UUID

from pydantic import BaseModel

from app.main import create_app
from app.settings import Settings
from app.shared.api.caller import Caller
from app.shared.infrastructure.logs import configure_logs

settings = Settings()
configure_logs(level=settings.log_level, style="json")
app = create_app(settings)


class Claims(BaseModel):
    account_id: UUID
    session_id: UUID | None


class Accepted(BaseModel):
    status: str


@app.get("/claims")
async def claims(caller: Caller) -> Claims:
    return Claims(account_id=caller.account_id, session_id=caller.session_id)


@app.get("/empty")
async def empty() -> Accepted:
    return Accepted(status="ok")
