#pragma once

#include "config/yaml.h"

namespace scnn::config {

/// Who wrote a document: a person is told that a key has a new name, a program's own file is read silently.
enum class Author { person, program };

/// Gives keys that had another name in the version before their present one, in place.  A map with both names is a
/// mistake.
void rename_old_keys(Node& document, Author author, Diagnostics& diagnostics);

}  // namespace scnn::config
