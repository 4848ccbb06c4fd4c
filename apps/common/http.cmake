# msgkit::http, the part of the HTTP server without sockets: what the fuzz target needs, also where no app is built.
include_guard(GLOBAL)
find_package(Boost QUIET)  # headers only: Beast
if(Boost_FOUND)
  set(http_sources http_chunk_decoder.cpp http_head_scanner.cpp http_message.cpp http_request_parser.cpp http_session.cpp
                   json_writer.cpp log_line.cpp)
  list(TRANSFORM http_sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
  add_library(msgkit_http STATIC ${http_sources})
  add_library(msgkit::http ALIAS msgkit_http)
  msgkit_compile_options(msgkit_http)
  target_include_directories(msgkit_http PUBLIC ${CMAKE_CURRENT_LIST_DIR}/..)
  target_link_libraries(msgkit_http PUBLIC msgkit::core PRIVATE Boost::headers)
endif()
