# Sources of the text part, relative to libsmpp.
set(MSGKIT_SMPP_TEXT_SOURCES
  src/text/choose_coding.cpp
  src/text/cut_points.cpp
  src/text/data_coding.cpp
  src/text/gsm7.cpp
  src/text/gsm7_lookup.cpp
  src/text/gsm7_packing.cpp
  src/text/iconv_converter.cpp
  src/text/message_id.cpp
  src/text/message_state.cpp
  src/text/receipt.cpp
  src/text/segmentation.cpp
  src/text/text_codec.cpp
  src/text/text_error.cpp
  src/text/time_format.cpp
  src/text/udh.cpp)
