#include "core/escape.h"

#include "catch.h"

namespace scnn {

TEST_CASE("no control character gets through to a terminal") {
  CHECK(escape_control_characters("plain text,\nline 2: \xC3\xA9\xE2\x82\xAC") ==
        "plain text,\nline 2: \xC3\xA9\xE2\x82\xAC");
  CHECK(escape_control_characters(std::string_view("\0\x1b[31m\t\r\x7f", 9)) == "\\x00\\x1b[31m\\x09\\x0d\\x7f");
  // U+009B begins a sequence as "ESC [" does; U+00A0 is a letter's neighbour, and a cut character stays as it is.
  CHECK(escape_control_characters("\xC2\x9B"
                                  "31m\xC2\xA0\xC2") == "\\x9b31m\xC2\xA0\xC2");
}

}  // namespace scnn
