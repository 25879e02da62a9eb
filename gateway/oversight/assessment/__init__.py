"""Assessment of case files 案卷评查: every check of a case, decided from its documents."""

from gateway.oversight.assessment.deciding import CheckOutcome, assess, days_alike
from gateway.oversight.assessment.papers import Papers, Result

__all__ = ["CheckOutcome", "Papers", "Result", "assess", "days_alike"]
