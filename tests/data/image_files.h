#pragma once

#include <jpeglib.h>
#include <png.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "catch.h"

/// Images written by the libraries' own writers.
namespace scnn::test {

/// `colour`: PNG_COLOR_TYPE_*; rows as libpng takes them, big-endian where `depth` is 16.
inline void write_png(const std::filesystem::path& path, std::uint32_t h, std::uint32_t w, int colour, int depth,
                      const std::vector<std::uint8_t>& bytes, bool interlaced = false) {
  std::filesystem::create_directories(path.parent_path());
  std::FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, w, h, depth, colour, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> palette;
  for (int i = 0; i < 4; ++i) {
    palette.push_back({static_cast<png_byte>(10 * i), static_cast<png_byte>(20 * i), static_cast<png_byte>(60 * i)});
  }
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette.data(), 4);
  png_write_info(png, info);
  const std::size_t row = bytes.size() / h;
  std::vector<png_bytep> rows;
  for (std::size_t y = 0; y < h; ++y) rows.push_back(const_cast<png_bytep>(bytes.data()) + y * row);
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  REQUIRE(std::fclose(file) == 0);
}

inline void write_jpeg(const std::filesystem::path& path, std::uint32_t h, std::uint32_t w, int channels,
                       const std::vector<std::uint8_t>& bytes, int quality = 100) {
  std::filesystem::create_directories(path.parent_path());
  std::FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_width = w;
  jpeg.image_height = h;
  jpeg.input_components = channels;
  jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < h) {
    JSAMPROW row = const_cast<JSAMPROW>(bytes.data()) + jpeg.next_scanline * bytes.size() / h;
    (void)jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  REQUIRE(std::fclose(file) == 0);
}

}  // namespace scnn::test
