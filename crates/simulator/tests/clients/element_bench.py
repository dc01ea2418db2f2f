"""What the scripts share that use NetApp's own SDK for Element: connections, refusals, steps."""
import json, logging, sys, warnings

warnings.simplefilter("ignore")
sys.stdout, protocol = sys.stderr, sys.stdout

from solidfire import Element
from solidfire.common import ApiServerError

logging.disable(logging.ERROR)
ports = sys.argv[2:]


def step(name, /, **facts):
    """Says what was done and waits to be let on, so that the array can be looked at from outside in between."""
    protocol.write(json.dumps({"step": name, **facts}) + "\n")
    protocol.flush()
    if not sys.stdin.readline():
        sys.exit("the test has gone away")


def connect(address, place):
    """A cluster by its address. The SDK refuses to verify certificates of addresses, only those of names."""
    return Element(f"{address}:{ports[place]}", "admin", "secret", "12.3", False)


def refusal(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except ApiServerError as error:
        return error.error_name
    return None
