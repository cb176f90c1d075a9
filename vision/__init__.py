"""What is seen without learning colour: backbones, matching, optical flow, occlusion, distortion."""
