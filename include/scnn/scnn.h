#pragma once

/// Everything that a program needs to train, compress, evaluate and pack a network.  Inference alone needs nothing but
/// scnn/runtime/scnn_runtime.h, which is C.

#include "scnn/backend/backend.h"
#include "scnn/backend/host_copy.h"
#include "scnn/compress/options.h"
#include "scnn/compress/quantizer.h"
#include "scnn/compress/removal.h"
#include "scnn/compress/size_loss.h"
#include "scnn/compress/size_status.h"
#include "scnn/core/error.h"
#include "scnn/core/number_format.h"
#include "scnn/core/version.h"
#include "scnn/data/catalogue.h"
#include "scnn/data/dataset.h"
#include "scnn/nn/graph.h"
#include "scnn/packed/packed.h"
#include "scnn/record/result.h"
#include "scnn/run/run.h"
#include "scnn/settings/experiment.h"
#include "scnn/train/checkpoint.h"
#include "scnn/train/evaluate.h"
#include "scnn/train/trainer.h"
