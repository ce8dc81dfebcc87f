"""The least role for each call. A call that has no row is for admins alone; a test sees to it that each has one."""

from clearstack_common.access import Role

_SERVICES: dict[str, dict[Role, tuple[str, ...]]] = {
    "StackService": {
        Role.VIEWER: (
            "GetStack",
            "ListStacks",
            "DownloadStack",
            "GetStackPreview",
            "InspectStack",
            "GetStackLink",
            "GetStackView",
            "GetStackTile",
            "ListSampleStacks",
        ),
        Role.OPERATOR: (
            "CreateStack",
            "CreateSampleStack",
            "UploadStack",
            "ListStackUploadLinks",
            "FinalizeStack",
            "DeleteStack",
        ),
    },
    "TrainingService": {
        Role.VIEWER: (
            "GetTraining",
            "ListTrainings",
            "WatchTraining",
            "ListPresets",
            "ListParameters",
            "EstimateTraining",
        ),
        Role.OPERATOR: ("CreateTraining", "CancelTraining", "DeleteTraining"),
    },
    "MaskService": {
        Role.VIEWER: ("GetMask",),
        Role.OPERATOR: ("ApproveMask", "RegenerateMask", "SkipStageTwo", "SetAutoApprove"),
    },
    "ModelService": {
        Role.VIEWER: ("GetModel", "ListModels", "ExportModel", "GetModelExportLink"),
        Role.OPERATOR: ("ImportModel", "CreateModelImport", "FinalizeModelImport"),
        Role.ADMIN: ("DeleteModel",),
    },
    "DenoisingService": {
        Role.VIEWER: ("GetDenoising", "ListDenoisings", "WatchDenoising", "DownloadReport", "GetReportLink"),
        Role.OPERATOR: ("CreateDenoising", "CancelDenoising"),
    },
    "AdminService": {
        Role.ADMIN: (
            "ListDeadLetters",
            "GetDeadLetter",
            "RetryDeadLetter",
            "DropDeadLetter",
            "RebuildRecords",
            "DiagnoseInstallation",
        ),
    },
    "RuleService": {
        Role.VIEWER: ("GetRule", "ListRules", "ListAcquisitions"),
        Role.OPERATOR: ("CreateRule", "UpdateRule", "DeleteRule", "RetryAcquisition"),
    },
}
_REFLECTION = "/grpc.reflection."
_HEALTH = "/grpc.health.v1.Health/"

NEEDED_ROLES = {
    f"/clearstack.v1.{service}/{method}": role
    for service, rows in _SERVICES.items()
    for role, methods in rows.items()
    for method in methods
}


def is_open(method: str) -> bool:
    """Whether a call is for everybody: health alone is."""
    return method.startswith(_HEALTH)


def needed_role(method: str) -> Role:
    """The least role that may make a call, by its path `/package.Service/Method`."""
    if method.startswith(_REFLECTION):
        return Role.VIEWER
    return NEEDED_ROLES.get(method, Role.ADMIN)
