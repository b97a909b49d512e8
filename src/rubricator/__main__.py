"""`python -m rubricator`: the command line where its script is not on the path."""

from rubricator.cli import main

main()
