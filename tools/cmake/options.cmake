# What can be switched at configure time, and the flags every target gets.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo or Debug" FORCE)
endif()

option(SCNN_TESTS "build the tests" ${PROJECT_IS_TOP_LEVEL})
option(SCNN_FUZZ "build the libFuzzer targets (clang alone)" OFF)
option(SCNN_WERROR "warnings are errors" OFF)
option(SCNN_ONEDNN "the CPU's products by oneDNN; without it plain loops, slow, in a far smaller program" ON)
option(SCNN_NATIVE "compile for this machine's processor (faster, not portable)" ON)
set(SCNN_SANITIZE "" CACHE STRING "address;undefined or thread: instrument everything")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(SCNN_CUDA)
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  # These versions of CMake know nvcc's C++20 only by its older name for it, and refuse.
  if(CMAKE_VERSION VERSION_LESS 3.25.2)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
endif()
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

# Linked by every target of the build, never exported.
add_library(scnn_flags INTERFACE)
target_compile_features(scnn_flags INTERFACE cxx_std_20)
set(cxx "$<COMPILE_LANGUAGE:CXX>")
# No contraction: forward and backward must compute 2^-e * w to the same bit.  No errno or traps from maths: rint and
# exp2 then vectorise; results stay IEEE.
target_compile_options(scnn_flags INTERFACE "$<${cxx}:-ffp-contract=off;-fno-math-errno;-fno-trapping-math>"
  "$<${cxx}:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion>")
if(SCNN_WERROR)
  target_compile_options(scnn_flags INTERFACE "$<${cxx}:-Werror>")
endif()
if(SCNN_NATIVE)
  target_compile_options(scnn_flags INTERFACE "$<${cxx}:-march=native>")
endif()
if(SCNN_SANITIZE)
  foreach(sanitizer IN LISTS SCNN_SANITIZE)
    add_compile_options(-fsanitize=${sanitizer})
    add_link_options(-fsanitize=${sanitizer})
  endforeach()
  # GCC 12 sees uninitialised values in the standard library once code is instrumented.
  add_compile_options(-fno-omit-frame-pointer -fno-sanitize-recover=all -Wno-maybe-uninitialized)
endif()
