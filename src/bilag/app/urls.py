"""All addresses: the API below /api/, pages for people everywhere else."""

from bilag.api.urls import urlpatterns as api
from bilag.portal.urls import urlpatterns as portal

urlpatterns = [*api, *portal]
