"""Pages as people meet them: over Django's whole stack, and in a real browser."""

from bilag.app.migrate import setup_django

# The pages' models can be imported only once Django is loaded; each test names its own database.
setup_django("postgresql:///none")
