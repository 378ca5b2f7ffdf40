def kind(value):
    match value:
        case 0 | 1 | -1 | 1 - 2j:
            return "number"
        case "text" | b"bytes" | None | True:
            return "literal"
        case [first, *_]:
            return first
        case [_, (2 | 3) as few, *rest] if few:
            return rest
        case {"key": found, 1: _, **others}:
            return others
        case Point(0, y=1) | Point(x=0):
            return "point"
        case os.sep:
            return "value"
        case (1, 2):
            pass
        case _:
            return
