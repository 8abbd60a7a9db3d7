# What this build has, and why not.
message(STATUS "")
message(STATUS "scnn ${PROJECT_VERSION}, ${CMAKE_BUILD_TYPE}, ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
message(STATUS "  CPU kernels    oneDNN ${oneDNN_VERSION}, OpenMP ${OpenMP_CXX_VERSION}")
