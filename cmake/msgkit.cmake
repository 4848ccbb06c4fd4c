# Build rules shared by every msgkit library, app and test. Nothing here downloads anything.
include_guard(GLOBAL)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

option(MSGKIT_WERROR "Treat warnings as errors" OFF)
option(MSGKIT_BUILD_NET "Build the Asio drivers (the *_net targets)" ON)
set(MSGKIT_SANITIZE "" CACHE STRING "Comma separated -fsanitize list for our own code, e.g. address,undefined")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

find_program(MSGKIT_CCACHE ccache)
if(MSGKIT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${MSGKIT_CCACHE}")
endif()

set(MSGKIT_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}")
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH MSGKIT_ROOT_DIR)
set(MSGKIT_VERSION 0.1.0)

# Warnings and sanitizers for our own targets; never exported to whoever links us.
function(msgkit_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                         $<$<BOOL:${MSGKIT_WERROR}>:-Werror>
                         # Asio's awaitable frames trip this one falsely on GCC 12.
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
                         # GCC remarks on the fences in Asio's headers, which ThreadSanitizer does not follow.
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-error=tsan>)
  if(MSGKIT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${MSGKIT_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${MSGKIT_SANITIZE})
    # Checked before each access, these cost a third of the compile time. The libraries, where octets of strangers are
    # read, keep them; elsewhere AddressSanitizer sees what they would.
    if(MSGKIT_SANITIZE MATCHES undefined AND NOT CMAKE_CURRENT_SOURCE_DIR MATCHES "^${MSGKIT_ROOT_DIR}/lib")
      target_compile_options(${target} PRIVATE -fno-sanitize=null,alignment,object-size,vptr)
    endif()
  endif()
endfunction()

# msgkit_library(<component> SOURCES file... [PUBLIC target...] [PRIVATE target...] [REQUIRES component...])
# Defines msgkit_<component> with alias msgkit::<component>, and records it for install and export.
# REQUIRES names the other msgkit components it links publicly.
function(msgkit_library component)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE;REQUIRES" ${ARGN})
  set(target msgkit_${component})
  add_library(${target} ${arg_SOURCES})
  add_library(msgkit::${component} ALIAS ${target})
  msgkit_compile_options(${target})
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  set(requires ${arg_REQUIRES})
  list(TRANSFORM requires PREPEND msgkit::)
  target_link_libraries(${target} PUBLIC ${requires} ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${component})
  install(TARGETS ${target} EXPORT msgkit_${component}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
  set_property(GLOBAL APPEND PROPERTY MSGKIT_COMPONENTS ${component})
  set_property(GLOBAL PROPERTY MSGKIT_REQUIRES_${component} "${arg_REQUIRES}")
endfunction()

# msgkit_install_headers(<include dir>) once per library.
function(msgkit_install_headers directory)
  install(DIRECTORY ${directory}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.hpp")
endfunction()

# msgkit_executable(<name> SOURCES file... LINK target... [INSTALL])
function(msgkit_executable name)
  cmake_parse_arguments(arg "INSTALL" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  msgkit_compile_options(${name})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  if(arg_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${name})
  endif()
endfunction()

# What a pkg-config file must say beyond our own libraries.
set(MSGKIT_PKGCONFIG_LIBS_core_net "-lssl -lcrypto -pthread")
set(MSGKIT_PKGCONFIG_CFLAGS_core_net "-DASIO_STANDALONE -DASIO_NO_DEPRECATED -DASIO_SEPARATE_COMPILATION")
set(MSGKIT_PKGCONFIG_LIBS_core "-lfmt")
set(MSGKIT_PKGCONFIG_LIBS_xmppcomp "-lexpat")
set(MSGKIT_PKGCONFIG_LIBS_core_mime "-lmimetic")
set(MSGKIT_PKGCONFIG_LIBS_mm4_net "-lcares")
set(MSGKIT_PKGCONFIG_LIBS_mm7 "-lpugixml")
set(MSGKIT_PKGCONFIG_LIBS_bridge "-lre2")

# Exports one targets file per component, the package config and one pkg-config file per component.
function(msgkit_install_package)
  get_property(components GLOBAL PROPERTY MSGKIT_COMPONENTS)
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/msgkit)
  set(requires_table "")
  foreach(component IN LISTS components)
    install(EXPORT msgkit_${component} NAMESPACE msgkit:: FILE msgkit_${component}Targets.cmake
            DESTINATION ${package_dir} COMPONENT dev)
    get_property(requires GLOBAL PROPERTY MSGKIT_REQUIRES_${component})
    string(APPEND requires_table "set(_msgkit_requires_${component} ${requires})\n")
    msgkit_write_pkgconfig(${component} "${requires}")
  endforeach()
  set(MSGKIT_COMPONENT_LIST "${components}")
  set(MSGKIT_REQUIRES_TABLE "${requires_table}")
  configure_package_config_file(${MSGKIT_CMAKE_DIR}/msgkitConfig.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/msgkitConfig.cmake INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/msgkitConfigVersion.cmake
    VERSION ${MSGKIT_VERSION} COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/msgkitConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/msgkitConfigVersion.cmake
          ${MSGKIT_CMAKE_DIR}/FindAsio.cmake ${MSGKIT_CMAKE_DIR}/FindMimetic.cmake ${MSGKIT_CMAKE_DIR}/FindCAres.cmake
          ${MSGKIT_CMAKE_DIR}/FindRE2.cmake DESTINATION ${package_dir} COMPONENT dev)
endfunction()

function(msgkit_write_pkgconfig component requires)
  set(pc_requires ${requires})
  list(TRANSFORM pc_requires PREPEND msgkit-)
  list(JOIN pc_requires " " PC_REQUIRES)
  string(REPLACE "_" "-" PC_REQUIRES "${PC_REQUIRES}")
  string(REPLACE "_" "-" PC_NAME "msgkit-${component}")
  set(PC_LIBRARY msgkit_${component})
  file(RELATIVE_PATH PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  set(PC_LIBS "${MSGKIT_PKGCONFIG_LIBS_${component}}")
  set(PC_CFLAGS "${MSGKIT_PKGCONFIG_CFLAGS_${component}}")
  configure_file(${MSGKIT_CMAKE_DIR}/msgkit.pc.in ${CMAKE_CURRENT_BINARY_DIR}/${PC_NAME}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${PC_NAME}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()
