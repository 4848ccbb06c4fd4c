"""The examples do what they say, against node-smpp as the message centre. MSGKIT_EXAMPLES_DIR is where they were built."""
import os
import unittest
from pathlib import Path

from peers import PeerTest, free_port, node_available, require, server_arguments
from scenario import MESSAGES, as_set

USER, PASSWORD = "example", "secret"


class ExamplesTest(PeerTest):
    def setUp(self):
        super().setUp()
        require(node_available(), "node-smpp")
        self.port = free_port()
        self.server = self.start("node_server", server_arguments(self.port, USER, PASSWORD))
        self.server.wait_for_event("listening")

    def run_example(self, name, *arguments):
        path = Path(os.environ["MSGKIT_EXAMPLES_DIR"]) / name
        program = self.start(name, [path, "127.0.0.1", self.port, *arguments])
        return program, program.wait(20)

    def test_smpp_send(self):
        for message in MESSAGES:
            program, status = self.run_example("smpp_send", USER, PASSWORD, message["from"], message["to"], message["text"])
            self.assertEqual(status, 0, program.tail())
        self.server.wait_for_event("message", count=len(MESSAGES))
        self.assertEqual(as_set(self.server.events("message")), as_set(MESSAGES))

    def test_smpp_send_reports_a_refused_bind(self):
        program, status = self.run_example("smpp_send", USER, "wrong", "1", "2", "text")
        self.assertEqual(status, 1, program.tail())
        self.assertNotEqual(program.err_path.read_text(), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
