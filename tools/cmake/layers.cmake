# scnn_layer(NAME DEPENDS layers... LIBRARIES libs...): one static library from every .cpp below the folder.
# A new source file is picked up by itself (CONFIGURE_DEPENDS).
function(scnn_layer name)
  cmake_parse_arguments(arg "" "" "DEPENDS;LIBRARIES;PUBLIC_LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp")
  if(SCNN_CUDA)
    list(FILTER sources EXCLUDE REGEX "/no_cuda/")   # cuda/CMakeLists.txt adds the real one
  endif()
  if(NOT sources)
    return()
  endif()
  add_library(scnn_${name} STATIC ${sources})
  set_target_properties(scnn_${name} PROPERTIES EXPORT_NAME ${name})
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
  cmake_parse_arguments(arg "" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${layer}/*.cpp")
  if(NOT sources OR NOT TARGET scnn_${layer})
    return()
  endif()
  add_executable(test_${layer} ${sources})
  target_include_directories(test_${layer} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(test_${layer} PRIVATE scnn_${layer} scnn_test_main ${arg_LIBRARIES} $<BUILD_INTERFACE:scnn_flags>)
  # Sanitized and debug builds are slow, not stuck.
  add_test(NAME ${layer} COMMAND test_${layer} -w NoTests WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${layer} PROPERTIES TIMEOUT 1200)
endfunction()
