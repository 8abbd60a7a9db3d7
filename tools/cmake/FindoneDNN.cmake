# Debian's dnnl-config.cmake insists on OpenCL, which the CPU library does not need.  Defines oneDNN::oneDNN and
# oneDNN_VERSION.
find_path(oneDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(oneDNN_LIBRARY dnnl)
include("${CMAKE_CURRENT_LIST_DIR}/header_version.cmake")
header_version(oneDNN_VERSION "${oneDNN_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h" DNNL_VERSION_ MAJOR MINOR PATCH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(oneDNN REQUIRED_VARS oneDNN_LIBRARY oneDNN_INCLUDE_DIR VERSION_VAR oneDNN_VERSION)
if(oneDNN_FOUND AND NOT TARGET oneDNN::oneDNN)
  add_library(oneDNN::oneDNN UNKNOWN IMPORTED)
  set_target_properties(oneDNN::oneDNN PROPERTIES IMPORTED_LOCATION "${oneDNN_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${oneDNN_INCLUDE_DIR}")
endif()
mark_as_advanced(oneDNN_INCLUDE_DIR oneDNN_LIBRARY)
