"""One question a file, named as the facts name it (`asks:`): ask(house, key, as_of, name) -> Answer."""
