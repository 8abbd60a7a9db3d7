#include "scnn/settings/experiment.h"

namespace scnn {

void check(const DeviceOptions& device, Conflicts& conflicts) {
  const char* const needs_gpu = "it needs device.type: cuda, or auto on a machine with a GPU";
  if (device.type == "cpu" && device.precision != Precision::fp32) {
    conflicts.add("device.precision", "the CPU computes in fp32",
                  "tf32 and bf16 need device.type: cuda, or auto on a machine with a GPU");
  }
  if (device.type == "cpu" && device.convolution == ConvolutionPath::cudnn) {
    conflicts.add("device.convolution", "the CPU has no cuDNN", needs_gpu);
  }
  if (device.precision == Precision::tf32 && device.convolution == ConvolutionPath::own) {
    conflicts.add("device.convolution", "there are no own kernels in tf32",
                  "set convolution: auto or cudnn, or precision: fp32 or bf16");
  }
  if (device.weight_quantization == WeightQuantization::automatic) return;
  const char* const belongs = "it belongs to device.precision: bf16 with own kernels";
  if (device.precision != Precision::bf16) {
    conflicts.add("device.weight_quantization", "only bf16 convolutions have a choice of where weights are quantized",
                  belongs);
  } else if (device.convolution == ConvolutionPath::cudnn) {
    conflicts.add("device.weight_quantization", "weights are quantized before cuDNN multiplies them", belongs);
  }
}

}  // namespace scnn
