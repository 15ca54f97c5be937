"""`python -m scale_zoo`: the command line."""

from scale_zoo import commands

if __name__ == "__main__":
    commands.main()
