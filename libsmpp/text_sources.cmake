# Sources of the text part, relative to libsmpp.
set(MSGKIT_SMPP_TEXT_SOURCES
  src/text/gsm7.cpp
  src/text/gsm7_lookup.cpp
  src/text/gsm7_packing.cpp
  src/text/text_error.cpp)
