#pragma once

/// The functions of a generated C source, each put in where a network needs it.
namespace scnn::deploy::c_code {

/// What convolutions read.  FORMS is replaced by the cases of next_row().
extern const char* const weights;
extern const char* const bits;
extern const char* const convolution;
extern const char* const affine;
extern const char* const pool;
extern const char* const join;

}  // namespace scnn::deploy::c_code
