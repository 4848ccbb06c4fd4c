"""goip_xmpp with ejabberd."""
import unittest

from bridge import BridgeTest
from cases import Cases, ReturnedCases
from xmpp_servers import Ejabberd, ejabberd_code


class OnEjabberd(BridgeTest):
    server_class = Ejabberd

    @staticmethod
    def server_available():
        return ejabberd_code() is not None


class EjabberdTest(Cases, OnEjabberd):
    pass


class EjabberdReturnsTest(ReturnedCases, OnEjabberd):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
