/**
 * Words that a WGSL identifier of ours may not be: keywords and reserved words (WGSL §15.2, §15.3), and predeclared names
 * that shadowing would take away from the text we print.
 */
const KEYWORDS =
  'alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop ' +
  'override requires return struct switch true var while';

const RESERVED =
  'NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class co_await ' +
  'co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval constexpr constinit ' +
  'crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends extern external ' +
  'fallthrough filter final finally friend from fxgroup get goto groupshared highp impl implements import inline instanceof ' +
  'interface layout lowp macro macro_rules match mediump meta mod module move mut mutable namespace new nil noexcept noinline ' +
  'nointerpolation non_coherent noncoherent noperspective null nullptr of operator package packoffset partial partition pass patch ' +
  'pixelfragment precise precision premerge priv protected pub public readonly ref regardless register reinterpret_cast ' +
  'require resource restrict self set shared sizeof smooth snorm static static_assert static_cast std subroutine super target ' +
  'template this thread_local throw trait try type typedef typeid typename typeof union unless unorm unsafe unsized use using ' +
  'varying virtual volatile wgsl where with writeonly yield';

const TYPES =
  'bool i32 u32 f32 f16 array atomic ptr vec2 vec3 vec4 vec2f vec3f vec4f vec2u vec3u vec4u vec2i vec3i vec4i vec2h vec3h vec4h ' +
  'mat2x2 mat2x3 mat2x4 mat3x2 mat3x3 mat3x4 mat4x2 mat4x3 mat4x4 mat2x2f mat2x3f mat2x4f mat3x2f mat3x3f mat3x4f mat4x2f ' +
  'mat4x3f mat4x4f mat2x2h mat2x3h mat2x4h mat3x2h mat3x3h mat3x4h mat4x2h mat4x3h mat4x4h sampler sampler_comparison ' +
  'texture_1d texture_2d texture_2d_array texture_3d texture_cube texture_cube_array texture_multisampled_2d ' +
  'texture_depth_multisampled_2d texture_external texture_storage_1d texture_storage_2d texture_storage_2d_array ' +
  'texture_storage_3d texture_depth_2d texture_depth_2d_array texture_depth_cube texture_depth_cube_array ' +
  'read write read_write function private workgroup uniform storage';

const BUILTIN_FUNCTIONS =
  'abs acos acosh all any arrayLength asin asinh atan atan2 atanh bitcast ceil clamp cos cosh countLeadingZeros countOneBits ' +
  'countTrailingZeros cross degrees determinant distance dot dot4I8Packed dot4U8Packed exp exp2 extractBits faceForward ' +
  'firstLeadingBit firstTrailingBit floor fma fract frexp insertBits inverseSqrt ldexp length log log2 max min mix modf ' +
  'normalize pack2x16float pack2x16snorm pack2x16unorm pack4x8snorm pack4x8unorm pack4xI8 pack4xI8Clamp pack4xU8 pack4xU8Clamp ' +
  'pow quantizeToF16 radians reflect refract reverseBits round saturate select sign sin sinh smoothstep sqrt step ' +
  'storageBarrier subgroupAdd subgroupAll subgroupAny subgroupBallot subgroupBroadcast subgroupBroadcastFirst subgroupElect ' +
  'subgroupExclusiveAdd subgroupInclusiveAdd subgroupMax subgroupMin subgroupMul subgroupShuffle subgroupShuffleDown ' +
  'subgroupShuffleUp subgroupShuffleXor tan tanh textureBarrier transpose trunc unpack2x16float unpack2x16snorm ' +
  'unpack2x16unorm unpack4x8snorm unpack4x8unorm unpack4xI8 unpack4xU8 workgroupBarrier workgroupUniformLoad';

/** Names that our own text uses: builtin parameters, the uniform block, the entry point. */
export const OWN_NAMES =
  'main Uniforms uniforms local_index local_id workgroup_id num_workgroups subgroup_size subgroup_lane';

const words = (text: string): readonly string[] => text.split(' ');

/** Keywords and reserved words of the language. */
export const WGSL_RESERVED: ReadonlySet<string> = new Set([...words(KEYWORDS), ...words(RESERVED)]);
/** Predeclared types, enumerants and functions. */
export const WGSL_PREDECLARED: ReadonlySet<string> = new Set([...words(TYPES), ...words(BUILTIN_FUNCTIONS)]);

export const TAKEN_NAMES: ReadonlySet<string> = new Set([...WGSL_RESERVED, ...WGSL_PREDECLARED, ...words(OWN_NAMES)]);
