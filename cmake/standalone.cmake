# Included by a library's CMakeLists.txt when it is configured on its own: cmake -S libsmpp.
list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
include(msgkit)
