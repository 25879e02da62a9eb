"""Identifiers of the field: read, brought to one normal form, and checked by their standard's rule."""

from schemas.identifiers.enterprise import CreditCode, OrganisationCode
from schemas.identifiers.folding import comparison_key, fold, folded
from schemas.identifiers.identifier import Identifier, Misshapen
from schemas.identifiers.number import PlatformNumber
from schemas.identifiers.permit import FacilityCode, OutletCode, PermitNumber, ProductionUnitCode
from schemas.identifiers.person import CitizenId, OfficerNumber, is_citizen_id
from schemas.identifiers.pollutant import PollutantCode
from schemas.identifiers.project import IndustryCode, ProjectCode
from schemas.identifiers.region import RegionCode
from schemas.identifiers.writ import DocumentNumber

__all__ = [
    "CitizenId",
    "CreditCode",
    "DocumentNumber",
    "FacilityCode",
    "Identifier",
    "IndustryCode",
    "Misshapen",
    "OfficerNumber",
    "OrganisationCode",
    "OutletCode",
    "PermitNumber",
    "PlatformNumber",
    "PollutantCode",
    "ProductionUnitCode",
    "ProjectCode",
    "RegionCode",
    "comparison_key",
    "fold",
    "folded",
    "is_citizen_id",
]
