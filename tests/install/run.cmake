# cmake -DBUILD= -DSTAGE= -DGENERATOR= -DCOMPILER= -DLAUNCHER= -DPROGRAM= -P run.cmake
function(step)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${STAGE}")
step("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${STAGE}/prefix")

# The package must not carry this project's own flags or folders.
file(GLOB_RECURSE package "${STAGE}/prefix/*.cmake")
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH tests)
cmake_path(GET tests PARENT_PATH source)
foreach(file IN LISTS package)
  file(READ "${file}" text)
  foreach(forbidden "scnn_flags" "-Werror" "-march" "${BUILD}" "${source}/")
    string(FIND "${text}" "${forbidden}" place)
    if(NOT place EQUAL -1)
      message(FATAL_ERROR "${file} contains ${forbidden}")
    endif()
  endforeach()
endforeach()

# Moved, so that nothing can depend on the prefix it was installed to.
file(RENAME "${STAGE}/prefix" "${STAGE}/moved")
step("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${STAGE}/consumer" -G "${GENERATOR}" -DCMAKE_BUILD_TYPE=Release
  "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_PREFIX_PATH=${STAGE}/moved")
step("${CMAKE_COMMAND}" --build "${STAGE}/consumer")
step("${STAGE}/consumer/consumer")
step("${STAGE}/consumer/consumer_c")
# The examples are a stranger's project too.
step("${CMAKE_COMMAND}" -S "${source}/examples" -B "${STAGE}/examples" -G "${GENERATOR}" -DCMAKE_BUILD_TYPE=Release
  "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_PREFIX_PATH=${STAGE}/moved")
step("${CMAKE_COMMAND}" --build "${STAGE}/examples")
step("${STAGE}/examples/01_train" "${source}/examples/tiny.yaml" train.epochs=1 WORKING_DIRECTORY "${STAGE}")
step("${STAGE}/examples/02_own_policy")
step("${STAGE}/examples/03_infer" runs/tiny/latest/model.scnn WORKING_DIRECTORY "${STAGE}")
if(PROGRAM)
  step("${STAGE}/moved/${PROGRAM}" version)
  foreach(file man/man1/scnn.1 bash-completion/completions/scnn zsh/site-functions/_scnn fish/vendor_completions.d/scnn.fish)
    file(READ "${STAGE}/moved/share/${file}" text)
    if(NOT text MATCHES "compression.gamma")
      message(FATAL_ERROR "${file} does not know the settings")
    endif()
  endforeach()
endif()
