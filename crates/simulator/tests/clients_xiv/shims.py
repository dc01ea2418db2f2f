"""What pyxcli 1.2.1 needs on Python 3.9 and later, to be imported before it: an ElementTree with `getchildren`, and
`ssl.wrap_socket`. And a port for each array, since its transport can be told of one only."""
import ssl, sys

sys.modules["_elementtree"] = None
for name in ("xml.etree.ElementTree", "xml.etree.cElementTree"):
    sys.modules.pop(name, None)
import xml.etree.ElementTree as tree

sys.modules["xml.etree.cElementTree"] = tree
import xml.etree

xml.etree.cElementTree = tree
tree.Element.getchildren = lambda self: list(self)
del sys.modules["_elementtree"]

if not hasattr(ssl, "wrap_socket"):
    def wrap_socket(sock, ca_certs=None, cert_reqs=ssl.CERT_NONE, **_):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = cert_reqs
        if ca_certs:
            context.load_verify_locations(ca_certs)
        return context.wrap_socket(sock)

    ssl.wrap_socket = wrap_socket


def ports(of):
    """Lets a connection to the usual port of an address go to the port where that array listens here."""
    from pyxcli import transports
    usual = transports.SocketTransport.connect_ssl.__func__

    def connect_ssl(cls, hostname, port=7778, *arguments, **more):
        return usual(cls, hostname, of.get(hostname, port) if port == 7778 else port, *arguments, **more)

    transports.SocketTransport.connect_ssl = classmethod(connect_ssl)
