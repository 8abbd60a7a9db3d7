# What all files include is compiled once for a batch of them: large batches on few cores, small ones to keep many busy.
# File-local names must be unique in a batch: -DSCNN_UNITY_BATCH=32 shows on any machine what a small one would stumble over.
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
if(cores LESS_EQUAL 4)
  set(batch 32)
else()
  set(batch 8)
endif()
set(SCNN_UNITY_BATCH ${batch} CACHE STRING "with SCNN_UNITY: how many files at a time; 32 on up to 4 cores, else 8")

# scnn_compile(TARGET [ALONE] [COLD]): how its files are compiled.  Several at a time, with SCNN_UNITY; CMake leaves out those
# with options or definitions of their own.
# ALONE: each by itself, where what a hot loop becomes should not depend on its neighbours.
# COLD: of little optimization, where nothing is hot: a command of src/cli compiles in half the time.
function(scnn_compile target)
  cmake_parse_arguments(arg "ALONE;COLD" "" "" ${ARGN})
  if(arg_ALONE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
  else()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ${SCNN_UNITY} UNITY_BUILD_BATCH_SIZE ${SCNN_UNITY_BATCH})
  endif()
  if(arg_COLD)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
endfunction()

# scnn_layer(NAME COMPILE how... DEPENDS layers... LIBRARIES libs...): one static library from every .cpp below the folder.
# A new source file is picked up by itself (CONFIGURE_DEPENDS); one whose path matches EXCLUDE is left out.
function(scnn_layer name)
  cmake_parse_arguments(arg "" "EXCLUDE" "COMPILE;DEPENDS;LIBRARIES;PUBLIC_LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp")
  if(SCNN_CUDA)
    list(FILTER sources EXCLUDE REGEX "/no_cuda/")   # cuda/CMakeLists.txt adds the real one
  endif()
  if(SCNN_ONEDNN)
    list(FILTER sources EXCLUDE REGEX "/no_onednn/")
  else()
    list(FILTER sources EXCLUDE REGEX "/onednn/")
  endif()
  if(arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${arg_EXCLUDE}")
  endif()
  if(NOT sources)
    return()
  endif()
  add_library(scnn_${name} STATIC ${sources})
  set_target_properties(scnn_${name} PROPERTIES EXPORT_NAME ${name})
  scnn_compile(scnn_${name} ${arg_COMPILE})
  target_include_directories(scnn_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:include>")
  target_include_directories(scnn_${name} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(scnn_${name} PUBLIC ${arg_PUBLIC_LIBRARIES} PRIVATE ${arg_LIBRARIES} $<BUILD_INTERFACE:scnn_flags>)
  foreach(depend IN LISTS arg_DEPENDS)
    if(TARGET scnn_${depend})
      target_link_libraries(scnn_${name} PUBLIC scnn_${depend})
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY SCNN_LAYERS ${name})
endfunction()

# scnn_test(LAYER): tests/LAYER/*.cpp as one Catch2 program `test_LAYER`, linked with the layer.
function(scnn_test layer)
  cmake_parse_arguments(arg "" "EXCLUDE" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${layer}/*.cpp")
  if(arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${arg_EXCLUDE}")
  endif()
  if(NOT sources OR NOT TARGET scnn_${layer})
    return()
  endif()
  add_executable(test_${layer} ${sources})
  scnn_compile(test_${layer} COLD)
  target_include_directories(test_${layer} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(test_${layer} PRIVATE scnn_${layer} scnn_test_main ${arg_LIBRARIES} $<BUILD_INTERFACE:scnn_flags>)
  # Sanitized and debug builds are slow, not stuck.
  add_test(NAME ${layer} COMMAND test_${layer} -w NoTests WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${layer} PROPERTIES TIMEOUT 1200)
endfunction()
