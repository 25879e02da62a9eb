"""Identifiers of the field: read, brought to one normal form, and checked by their standard's rule."""

from schemas.identifiers.enterprise import CreditCode, OrganisationCode
from schemas.identifiers.identifier import Identifier, Misshapen, fold
from schemas.identifiers.permit import FacilityCode, OutletCode, PermitNumber, ProductionUnitCode
from schemas.identifiers.person import CitizenId, OfficerNumber
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
    "PollutantCode",
    "ProductionUnitCode",
    "ProjectCode",
    "RegionCode",
    "fold",
]
