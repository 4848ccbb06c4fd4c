// smppc: SMPP from the command line.
#include "smppc/command_line.hpp"

int main(int argc, char** argv) { return msgkit::app::run_smppc(argc, argv); }
