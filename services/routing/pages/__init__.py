"""The pages of those who handle cases, and of those who sent them, on what the API shows and does."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from services.routing.office import Office
from services.routing.pages.case import case_pages
from services.routing.pages.lists import lists
from services.routing.pages.sender import track
from shared.service import House
from shared.web.pages import Pages

FOLDER = Path(__file__).parent


def router(house: House, office: Office) -> APIRouter:
    """The routes of routing's pages."""
    routes = APIRouter(include_in_schema=False)
    pages = Pages(house, FOLDER)
    lists(routes, pages, office, house.content)
    duties = {id: duty.names for id, (_, duty) in house.organisation.duty.items()}
    case_pages(routes, pages, office, duties)
    track(routes, pages, office)
    return routes
