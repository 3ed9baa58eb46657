"""Alembic's entry: migrates over the one connection that database.py opened, in one transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
