"""`python -m byokey_bin` runs the program."""

from . import main

main()
