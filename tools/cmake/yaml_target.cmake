# yaml-cpp 0.7 exports `yaml-cpp`, 0.8 `yaml-cpp::yaml-cpp`: one name, scnn_yaml, for both, here and in the package.
if(NOT TARGET scnn_yaml)
  add_library(scnn_yaml INTERFACE IMPORTED)
  if(TARGET yaml-cpp::yaml-cpp)
    target_link_libraries(scnn_yaml INTERFACE yaml-cpp::yaml-cpp)
  else()
    target_link_libraries(scnn_yaml INTERFACE yaml-cpp)
  endif()
endif()
