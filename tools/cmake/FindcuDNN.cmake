# cuDNN has no CMake package.  Defines cuDNN_INCLUDE_DIR and cuDNN_VERSION: its headers, as the library is opened when the
# program runs.  Needs CUDAToolkit to have been found.
find_path(cuDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ENV CUDNN_ROOT PATH_SUFFIXES include)
include("${CMAKE_CURRENT_LIST_DIR}/header_version.cmake")
header_version(cuDNN_VERSION "${cuDNN_INCLUDE_DIR}/cudnn_version.h" CUDNN_ MAJOR MINOR PATCHLEVEL)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cuDNN REQUIRED_VARS cuDNN_INCLUDE_DIR VERSION_VAR cuDNN_VERSION)
mark_as_advanced(cuDNN_INCLUDE_DIR)
