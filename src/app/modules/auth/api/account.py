"""GET /auth/account, its export, and POST /auth/account/delete."""

from __future__ import annotations

from fastapi import Request, Response

from app.modules.auth.api.members import (
    CHECKS_A_PASSWORD,
    Accepted,
    CurrentPassword,
    client_of,
)
from app.modules.auth.api.tokens import device_of
from app.modules.auth.application.commands.delete_account import (
    DeleteAccount,
    DeleteAccountHandler,
)
from app.modules.auth.application.commands.export_personal_data import (
    ExportPersonalData,
    ExportPersonalDataHandler,
    PersonalDataExport,
)
from app.modules.auth.application.queries.get_account import (
    AccountView,
    GetAccount,
    GetAccountHandler,
)
from app.modules.auth.domain.administration import LastAdministratorError
from app.shared.api.body import RequestBody
from app.shared.api.caller import Caller, FreshCaller
from app.shared.api.inject import Inject
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router
from app.shared.application.personal_data import ExportIncompleteError

router = module_router("/api/v1/auth/account", tags=["auth"])

_AS_A_FILE = 'attachment; filename="personal-data.json"'


class Deletion(RequestBody):
    current_password: CurrentPassword


@router.get("")
async def get_account(
    caller: Caller, response: Response, handle: Inject[GetAccountHandler]
) -> AccountView:
    """One's own account."""
    response.headers["Cache-Control"] = "no-store"
    return await handle(GetAccount(caller))


@router.post(
    "/delete", status_code=202, responses=refusals(LastAdministratorError, *CHECKS_A_PASSWORD)
)
async def delete_account(
    body: Deletion,
    caller: FreshCaller,
    request: Request,
    handle: Inject[DeleteAccountHandler],
) -> Accepted:
    """Delete one's own account for good. Every session and API key ends at once; what other parts
    of the service keep is erased within moments."""
    await handle(DeleteAccount(caller, body.current_password, client_of(request)))
    return Accepted()


@router.get("/export", responses=refusals(ExportIncompleteError))
async def export_personal_data(
    caller: FreshCaller,
    request: Request,
    response: Response,
    handle: Inject[ExportPersonalDataHandler],
) -> PersonalDataExport:
    """Everything that this service keeps of oneself, as one document. It leaves a line in one's
    activity."""
    response.headers["Content-Disposition"] = _AS_A_FILE
    response.headers["Cache-Control"] = "no-store"
    return await handle(ExportPersonalData(caller, device_of(request)))
