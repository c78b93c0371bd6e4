"""The command line: parse, call one function, print. Each file here holds the commands of one subject."""
