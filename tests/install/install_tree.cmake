# Empties the work directory, so that nothing an earlier run installed or built can make a test pass, then installs.
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} --component dev
                COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
