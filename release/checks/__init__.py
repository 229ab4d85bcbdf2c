"""Installs the packages in dist/ as users do, from this machine only."""
